// What this browser is called in the list of devices, until the user renames it.

const first = (agent: string, names: Record<string, RegExp>): string | undefined =>
  Object.keys(names).find((name) => names[name]!.test(agent));

export function deviceName(agent = navigator.userAgent): string {
  const browser = first(agent, { Edge: /Edg\//, Opera: /OPR\//, Firefox: /Firefox\//, Chrome: /Chrom(e|ium)\//, Safari: /Safari\// });
  const system = first(agent, { Android: /Android/, iPhone: /iPhone/, iPad: /iPad/, Windows: /Windows/, Mac: /Mac OS X/, Linux: /Linux/ });
  return [browser ?? "Browser", system].filter(Boolean).join(" on ");
}
