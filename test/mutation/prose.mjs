/**
 * Texts for people hold spaces; codes, roles and names of fields hold none. What a sentence says is not what these tests are
 * about, so sentences are not mutated.
 */
const ofTemplate = ({ quasis }) => quasis.some(({ value }) => value.raw.includes(' '));
const isProse = (path) =>
  (path.isStringLiteral() && path.node.value.includes(' ')) || (path.isTemplateLiteral() && ofTemplate(path.node));

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'prose',
    value: { shouldIgnore: (path) => (isProse(path) ? 'a sentence for people' : undefined) },
  },
];
