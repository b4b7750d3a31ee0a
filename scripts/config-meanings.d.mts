export const MEANINGS: Readonly<Record<string, string>>;
export const ROLES: readonly { readonly file: string; readonly about: string }[];
