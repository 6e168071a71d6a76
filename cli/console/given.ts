/** The fields that are given, and not as an empty text: what is sent is checked strictly, and a form has fields that nobody filled in. */
export const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
