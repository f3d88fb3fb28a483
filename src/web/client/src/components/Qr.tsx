// A QR code as one path, dark on white in every theme, with its text for those who cannot scan.
import { encode } from "uqr";

export default function Qr({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: "M", border: 2 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} class="w-full max-w-72 rounded-box bg-white" shape-rendering="crispEdges">
      <path d={path.join("")} fill="#000" />
    </svg>
  );
}
