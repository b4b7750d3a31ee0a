/** A private key and where it was read: a path, an entry of a file, a name in a keyring. */
export type SourcedKey = { readonly privateKey: Uint8Array; readonly source: string };
