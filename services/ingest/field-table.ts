/**
 * What a format's normaliser reads and where it goes: the one list behind the code that tells read fields from leftovers
 * and behind docs/sources/, which a test compares with it.
 */
export type FieldTable = { readonly format: string; readonly rows: readonly FieldRow[] };

/** `from`: a path in the words of the source. `to`: a canonical field, or what else becomes of it, in a few words. */
export type FieldRow = { readonly from: string; readonly to: string };
