"""Validates OCSF documents on standard input, one a line, by the PyPI packages ocsf-json-schema and jsonschema.

Prints one line for each document that is wrong. Ends with status 3 when a package is missing.
"""

import json
import sys

try:
    from jsonschema import Draft202012Validator
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(3)

schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
validator = Draft202012Validator(schema.get_class_schema("detection_finding", ["incident"]))
for number, line in enumerate(sys.stdin, start=1):
    for error in validator.iter_errors(json.loads(line)):
        print(f"{number}: {error.json_path}: {error.message[:200]}")
