/** The invite link of a group in what somebody has pasted: bare, or within an address of this application. */
export function inviteIn(text: string): string | undefined {
  return /godwit-group:1:[A-Za-z0-9_-]+/.exec(text.replace(/%3A/gi, ":"))?.[0];
}
