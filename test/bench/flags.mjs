/** What the benches' command lines share. */

/** `--config key=value` flags to dotted keys and values; a value that is JSON is taken as such. */
export const configOf = (flags = []) =>
  Object.fromEntries(
    flags.map((text) => {
      const [key, ...value] = text.split("=");
      return [key, parsed(value.join("="))];
    }),
  );

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
