// The safety number: what two people compare to know that nobody is between them.
import type { SafetyNumber } from "@godwit/client";
import { useEffect, useState } from "preact/hooks";
import { Card, Page } from "../components/Header";
import { Icon } from "../components/Icon";
import { Later, Qr } from "../components/lazy";
import { Scanner } from "../components/Scanner";
import { Sheet } from "../components/Sheet";
import { errorText } from "../lib/errors";
import { attempt, client, connection } from "../state/client";
import { nameOf } from "../state/profiles";

export function SafetyScreen({ user }: { user: string }) {
  const [number, setNumber] = useState<SafetyNumber>();
  const [problem, setProblem] = useState("");
  const [scanning, setScanning] = useState(false);
  const [matches, setMatches] = useState<boolean>();
  const name = nameOf(user);
  const load = () => client().safety.number(user).then((found) => (setNumber(found), setProblem("")), (error) => setProblem(errorText(error)));
  useEffect(() => void load(), [user, connection.value.state]);

  const verify = (verified: boolean) => void attempt((client) => client.safety.setVerified(user, verified)).then(load);
  const compare = async (scanned: string) => {
    const same = await attempt((client) => client.safety.compare(user, scanned));
    setMatches(same);
    setScanning(false);
    if (same) verify(true);
  };
  return (
    <Page title="Safety number" onBack={true}>
      {problem && !number && <p role="alert" class="p-6 text-center">{problem}</p>}
      {number && (
        <>
          <div class="flex flex-col items-center gap-4 rounded-box bg-base-100 p-6 text-center">
            <p class={`flex items-center gap-2 font-semibold ${number.verified ? "text-success" : ""}`} role="status">
              <Icon name={number.verified ? "shield" : "lock"} /> {number.verified ? `${name} is verified` : `${name} is not verified yet`}
            </p>
            <Later>
              <Qr text={number.qr} label={`Code for comparing with ${name}`} />
            </Later>
            <p class="grid grid-cols-4 gap-x-5 gap-y-1.5 font-mono text-lg tracking-wide sm:grid-cols-6 sm:text-base" aria-label="Safety number" data-testid="digits">
              {number.digits.replace(/\D/g, "").match(/.{5}/g)?.map((part, i) => <span key={i}>{part}</span>)}
            </p>
            {matches === false && (
              <p role="alert" class="flex items-center gap-2 text-error">
                <Icon name="warning" /> The codes differ. Somebody may be between you, or one of you has another device now.
              </p>
            )}
            <div class="flex flex-wrap justify-center gap-3">
              <button class="btn" onClick={() => setScanning(true)}>
                <Icon name="qr" /> Scan their code
              </button>
              <button class={`btn ${number.verified ? "" : "btn-primary"}`} onClick={() => verify(!number.verified)}>
                {number.verified ? "Not verified" : "They are the same"}
              </button>
            </div>
          </div>
          <Card note={`Open this page on both devices, when you meet or call. If ${name} sees the same number, nobody can read or change what you write to one another: not even the server. When one of you gets another device, the number changes.`}>{null}</Card>
        </>
      )}
      {scanning && (
        <Sheet title="Scan their code" onClose={() => setScanning(false)}>
          <Scanner label="Or enter the text of their code" onFound={(text) => void compare(text)} />
        </Sheet>
      )}
    </Page>
  );
}
