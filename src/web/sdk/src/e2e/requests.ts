/** Requests to the server, typed by what they are answered with. */
import type { E2eHost, ReplyBody, RequestBody } from "./api.js";

type RequestCase = Exclude<RequestBody["case"], undefined>;
type RequestValue<C extends RequestCase> = Extract<RequestBody, { case: C }>["value"];
type ReplyCase = Exclude<ReplyBody["case"], undefined>;
type ReplyValue<C extends ReplyCase> = Extract<ReplyBody, { case: C }>["value"];

export async function ask<C extends RequestCase, R extends ReplyCase>(host: E2eHost, request: C, value: RequestValue<C>, reply: R): Promise<ReplyValue<R>> {
  const answer = await host.request({ case: request, value } as RequestBody);
  if (answer.case !== reply) throw new Error(`${request} was answered with ${answer.case}`);
  return answer.value as ReplyValue<R>;
}

/** The code of a refusal by the server (E2eHost.request); undefined: another error, such as a lost connection. */
export function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "number" ? code : undefined;
}
