// The pictures that two people compare: one for each number of a handshake's signs. They need no
// translation, a screen reader says each in its own language, and none can be mistaken for another.
// Both ends must show the same: the order is part of the handshake and never changes.
const SIGNS: readonly string[] = [
  ...'🐶🐱🐭🐰🐻🐼🐨🐯🦁🐮🐷🐸🐵🐧🐦🦆🦉🐺🐗🐴🦄🐝🐛🦋🐌🐞🐜🐢🐍🦎🐙🦀',
  ...'🐡🐠🐬🐳🦈🐊🐘🐪🦏🐑🐐🦌🦃🐿🦔🐾🌵🎄🌲🌴🌱🍀🍄🌷🌹🌻🌼🌍🌙⭐🔥🌈',
  ...'⛄🌊⚡🌋🍏🍐🍊🍋🍌🍉🍇🍓🍒🍍🍑🍅🍆🌽🥕🥔🍞🧀🥚🥞🍗🍔🍟🍕🌮🍜🍣🍤',
  ...'🍦🍩🍪🎂🍫🍭🍯🥛☕🍵⚽🏀🏈⚾🎾🎱🏓🏸🥊⛳🎣🎿🛷⛸🏆🥇🎫🎪🎨🎬🎤🎧',
  ...'🎹🥁🎷🎺🎸🎻🎲🎯🎳🎮🚗🚕🚌🚑🚒🚜🚲🛵🚂✈🚀🚁⛵🚢⚓🚦🗽🏰🎡⛲⛺🏠',
  ...'🏭🌉⌚📱💻📷📺📻⏰⌛🔋💡🔦💎🔧🔨🔩🚪🚿🛁🔑🧸🎈🎁🎀📦📜📖📎📌🔍🔒',
  ...'🔔🔮🎩👑👓👕👗👟👠👢🧦🧤🧣🎒💼👸👻👽🤖🎃👀👂👃👄🦷🧠👍💪🦴💰🧲🧪',
  ...'🔬🔭💊🧹🧺🧻🚽🧩🃏🥨🥐🥑🥦🥥🥝🥜🌰🍿🥗🍝🥟🥧🧁🥢🍴🦒🦓🦕🏹🦐🥄🧵',
];

/** The picture of a number from 0 to 255. */
export function signOf(number: number): string {
  return SIGNS[number] ?? '';
}
