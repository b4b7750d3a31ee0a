/** What `make` gives for an object that does not change, made once and kept for as long as the object is. */
export function byObject<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    let held = made.get(key);
    if (held === undefined) {
      held = { value: make(key) };
      made.set(key, held);
    }
    return held.value;
  };
}
