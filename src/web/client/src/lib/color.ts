// Which of the colors for people and groups a name or id gets: always the same.

const kClasses = [
  "bg-[#0f6b66] text-white",
  "bg-[#a34e1f] text-white",
  "bg-[#5b4b9a] text-white",
  "bg-[#1d5f93] text-white",
  "bg-[#8a2f5c] text-white",
  "bg-[#4b6b1f] text-white",
  "bg-[#6b4a36] text-white",
  "bg-[#3d5566] text-white",
];
const kNames = [
  "text-[#0c5b57] dark-name:text-[#6fd3c7]",
  "text-[#8f4015] dark-name:text-[#f0ac80]",
  "text-[#4f3f8f] dark-name:text-[#bcb0f0]",
  "text-[#17527f] dark-name:text-[#8fcaf5]",
  "text-[#7b264f] dark-name:text-[#f0a3c6]",
  "text-[#3f5c17] dark-name:text-[#b3d67f]",
];

function hash(text: string): number {
  let value = 2166136261;
  for (let i = 0; i < text.length; ++i) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  return value >>> 0;
}

/** Ground and text of an avatar. */
export const avatarColor = (id: string): string => kClasses[hash(id) % kClasses.length]!;

/** The name of a writer in a group. */
export const nameColor = (id: string): string => kNames[hash(id) % kNames.length]!;
