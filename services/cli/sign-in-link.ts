/** Where a one-time link leads. Its token stands behind `#`, which browsers send to nobody, so it is in no log. */
export function linkAt(url: string, token: string): string {
  return `${url}/sign-in/link#${token}`;
}
