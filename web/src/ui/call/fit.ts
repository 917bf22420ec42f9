interface Size {
  width: number;
  height: number;
}

/** A picture may lose this share of its shape to fill the screen: 4:3 fills 16:9, upright does not. */
const MISMATCH = 1.7;

export function fitOf(picture: Size, place: Size): 'cover' | 'contain' {
  if (!picture.width || !picture.height || !place.width || !place.height) return 'cover';
  const ratio = picture.width / picture.height / (place.width / place.height);
  return Math.max(ratio, 1 / ratio) > MISMATCH ? 'contain' : 'cover';
}
