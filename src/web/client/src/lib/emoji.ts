// The emoji that the picker offers, with the words by which they are found: a choice, not all there are.

const kData: Record<string, string> = {
  Smileys:
    "😀 grin happy|😃 smile happy|😄 laugh happy|😁 beam|😆 laugh squint|😅 sweat relief|🤣 rolling laugh|😂 joy tears laugh|🙂 slight smile|🙃 upside down|😉 wink|😊 blush|😇 angel halo|🥰 love hearts|😍 heart eyes love|🤩 star struck|😘 kiss|😗 kissing|😋 yum tasty|😛 tongue|😜 wink tongue|🤪 zany crazy|🤗 hug|🤭 giggle|🤫 quiet shush|🤔 think hmm|🤐 zip mouth|😐 neutral|😑 expressionless|😶 speechless|😏 smirk|😒 unamused|🙄 roll eyes|😬 grimace|😌 relieved|😔 pensive sad|😪 sleepy|😴 sleep|😷 mask ill|🤒 fever ill|🤕 hurt|🤢 nausea|🤧 sneeze|🥵 hot|🥶 cold|😵 dizzy|🤯 mind blown|🤠 cowboy|🥳 party|😎 cool sunglasses|🤓 nerd|🧐 monocle|😕 confused|😟 worried|🙁 frown|😮 wow surprised|😲 astonished|😳 flushed|🥺 pleading please|😨 fear|😰 anxious|😢 cry sad|😭 sob cry|😱 scream|😖 confounded|😞 disappointed|😩 weary|🥱 yawn|😤 huff|😡 angry|🤬 swear|😈 devil|💀 skull dead|💩 poo|🤡 clown|👻 ghost|👽 alien|🤖 robot|🙈 see no evil monkey",
  People:
    "👍 thumbs up yes good|👎 thumbs down no bad|👌 ok|✌️ peace|🤞 fingers crossed luck|🤟 love you|🤘 rock|🤙 call me|👈 left|👉 right|👆 up|👇 down|☝️ point|✋ hand stop|👋 wave hello bye|👏 clap|🙌 hooray hands|🤝 handshake deal|🙏 thanks please pray|💪 strong muscle|✍️ write|💅 nails|👀 eyes look|🧠 brain|👶 baby|🧑 person|👩 woman|👨 man|🧓 old|🙋 raise hand|🤷 shrug|🤦 facepalm|🙇 bow sorry|🏃 run|💃 dance|🕺 dance|👫 couple|👪 family",
  Nature:
    "🐶 dog|🐱 cat|🐭 mouse|🐰 rabbit|🦊 fox|🐻 bear|🐼 panda|🐨 koala|🐯 tiger|🦁 lion|🐮 cow|🐷 pig|🐸 frog|🐵 monkey|🐔 chicken|🐧 penguin|🐦 bird godwit|🦆 duck|🦉 owl|🦇 bat|🐺 wolf|🐴 horse|🦄 unicorn|🐝 bee|🦋 butterfly|🐌 snail|🐞 ladybug|🐢 turtle|🐍 snake|🐙 octopus|🐠 fish|🐬 dolphin|🐳 whale|🌵 cactus|🌲 tree|🌳 tree|🌴 palm|🍀 clover luck|🌸 blossom|🌹 rose|🌻 sunflower|🌍 earth world|🌙 moon|⭐ star|☀️ sun|⛅ cloud|🌧️ rain|❄️ snow|🔥 fire|🌈 rainbow|🌊 wave sea",
  Food: "🍎 apple|🍌 banana|🍇 grapes|🍓 strawberry|🍒 cherry|🍑 peach|🍍 pineapple|🥑 avocado|🍅 tomato|🌽 corn|🥕 carrot|🍞 bread|🥐 croissant|🧀 cheese|🍳 egg breakfast|🍔 burger|🍟 fries|🍕 pizza|🌮 taco|🍜 noodles|🍣 sushi|🍦 ice cream|🍩 donut|🍪 cookie|🎂 cake birthday|🍫 chocolate|🍿 popcorn|☕ coffee|🍵 tea|🍺 beer|🍷 wine|🥂 cheers|🍾 champagne",
  Things:
    "⚽ football|🏀 basketball|🎾 tennis|🏆 trophy win|🎮 game|🎲 dice|🎨 art|🎬 film|🎤 sing|🎧 music|🎸 guitar|🚗 car|🚕 taxi|🚌 bus|🚲 bike|✈️ plane travel|🚀 rocket launch|⛵ boat|🏠 home|🏖️ beach|⛺ camp|⌚ watch|📱 phone|💻 computer|📷 camera|💡 idea light|🔑 key|🔒 lock|🔨 hammer|🧰 tools|💊 pill|🎁 gift|🎈 balloon|🎉 party tada|📅 calendar|📌 pin|📎 clip|✏️ pencil|📖 book|💰 money|✉️ mail|🗑️ bin",
  Symbols:
    "❤️ heart love red|🧡 heart orange|💛 heart yellow|💚 heart green|💙 heart blue|💜 heart purple|🖤 heart black|💔 broken heart|💯 hundred|💥 boom|💫 dizzy|💬 speech|💤 sleep|✅ check done yes|❌ cross no|❓ question|❗ exclamation|⚠️ warning|🚫 forbidden|♻️ recycle|➕ plus|➖ minus|🔴 red|🟢 green|🔵 blue|⏰ alarm|⏳ wait|🔔 bell|🎵 music|🏁 finish|🏳️‍🌈 rainbow flag pride",
};

export interface Emoji {
  emoji: string;
  words: string;
}

export const kGroups: readonly { name: string; emoji: readonly Emoji[] }[] = Object.entries(kData).map(([name, data]) => ({
  name,
  emoji: data.split("|").map((entry) => {
    const space = entry.indexOf(" ");
    return { emoji: entry.slice(0, space), words: entry.slice(space + 1) };
  }),
}));

export function findEmoji(query: string): readonly Emoji[] {
  const wanted = query.trim().toLowerCase();
  return kGroups.flatMap((group) => group.emoji).filter(({ words }) => words.split(" ").some((word) => word.startsWith(wanted)));
}
