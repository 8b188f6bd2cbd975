/** Who says so, in every record that leaves the system. A test keeps the version equal to package.json's. */
export const PRODUCT = {
  name: 'Countersign',
  uid: 'countersign',
  vendor_name: 'Countersign',
  version: '0.1.0',
} as const;
