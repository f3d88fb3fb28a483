// The sound of a call that rings, made by the browser: no file, and nothing that has to be loaded.

const kNotes = [659, 784, 988, 784]; // Hz
const kNote = 0.18; // s
const kPeriod = 2.4;
const kLongest = 60;
const kLoud = 0.12;

/** Rings until what it returns is called. Browsers keep quiet while nobody has touched the page yet. */
export function ring(): () => void {
  if (!("AudioContext" in globalThis)) return () => {};
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { type: "triangle" });
  const volume = new GainNode(context, { gain: 0 });
  tone.connect(volume).connect(context.destination);
  for (let round = 0; round < kLongest; round += kPeriod) {
    kNotes.forEach((hz, i) => {
      const at = round + i * kNote;
      tone.frequency.setValueAtTime(hz, at);
      volume.gain.setValueAtTime(kLoud, at);
      volume.gain.linearRampToValueAtTime(0, at + kNote);
    });
  }
  tone.start();
  return () => void context.close();
}
