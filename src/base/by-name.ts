/** Names come again and again; strangers' ones may not fill memory. */
const MOST_NAMES = 1_000;
const LONGEST_NAME = 64;

/** `make`, which must depend on the name alone and be dear enough: what it gave is kept for a bounded number of names. */
export function byName<Made>(make: (name: string) => Made): (name: string) => Made {
  const known = new Map<string, { readonly made: Made }>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found.made;
    const made = make(name);
    if (name.length > LONGEST_NAME) return made;
    if (known.size >= MOST_NAMES) known.clear();
    known.set(name, { made });
    return made;
  };
}
