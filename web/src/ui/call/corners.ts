// Where the own picture may sit.

export type Corner = 'tl' | 'tr' | 'br' | 'bl';

const ROUND: Corner[] = ['br', 'bl', 'tl', 'tr'];

export function nextCorner(corner: Corner): Corner {
  return ROUND[(ROUND.indexOf(corner) + 1) % ROUND.length]!;
}

/** The corner an arrow key leads to; null when the key is none. */
export function towards(corner: Corner, key: string): Corner | null {
  const [y, x] = corner;
  const moved: Record<string, string> = { ArrowUp: `t${x}`, ArrowDown: `b${x}`, ArrowLeft: `${y}l`, ArrowRight: `${y}r` };
  return (moved[key] as Corner | undefined) ?? null;
}

/** The corner nearest to a point of a place of that size. */
export function nearest(x: number, y: number, width: number, height: number): Corner {
  return `${y < height / 2 ? 't' : 'b'}${x < width / 2 ? 'l' : 'r'}` as Corner;
}
