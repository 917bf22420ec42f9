import type { LineName } from './media.ts';

/**
 * How dear a line is to the call when there is not enough for all: sound before a screen that is
 * shown, that before the camera.
 */
const PRIORITIES: Readonly<Record<LineName, RTCPriorityType>> = {
  audio: 'high',
  screenSound: 'medium',
  screen: 'medium',
  video: 'low',
};

/**
 * What a picture may use at most, in bits per second. More would show on a large screen; less would
 * be seen on any. Of sound none is said: Chromium takes a most for leave to go down to 6,000.
 */
const MOST: Partial<Record<LineName, number>> = { video: 2_000_000, screen: 2_500_000 };

/** The parameters of a sender, set for its line. */
export function parametersOf(name: LineName, parameters: RTCRtpSendParameters, pictures: boolean): RTCRtpSendParameters {
  const priority = PRIORITIES[name];
  const most = MOST[name];
  const encodings = parameters.encodings.map((encoding) => ({
    ...encoding,
    active: pictures || most === undefined,
    priority,
    networkPriority: priority,
    ...(most !== undefined && { maxBitrate: most }),
  }));
  return { ...parameters, encodings };
}

/**
 * The description, asking whoever sends a voice to this end to repeat some of it (RFC 6716, 2.1.7), and
 * to send next to nothing while nobody speaks (RFC 7587, 3.1.3).
 */
export function askOf(sdp: string): string {
  return withVoice(sdp, (section) => {
    const type = typeOf(section, 'opus');
    if (type === undefined) return section;
    const format = new RegExp(`^(a=fmtp:${type} )(.*?)(\r?)$`, 'm');
    return section.replace(format, (_, head: string, given: string, end: string) => head + withWishes(given) + end);
  });
}

function withWishes(given: string): string {
  const all = given.split(';').map((each) => each.trim());
  const kept = all.filter((each) => each !== '' && !/^(usedtx|useinbandfec)=/i.test(each));
  return [...kept, 'useinbandfec=1', 'usedtx=1'].join(';');
}

/**
 * The description of the other end, wanting each packet of the voice to carry the sound of the one before once
 * more (RFC 2198) or not: browsers send the first codec that it names. The same where it knows of no such thing.
 */
export function wantOf(sdp: string, redundancy: boolean): string {
  return withVoice(sdp, (section) => {
    const type = typeOf(section, 'red');
    if (type === undefined) return section;
    return section.replace(/^(m=audio \S+ \S+ )([\d ]+)/, (_, head: string, types: string) => {
      const others = types.split(' ').filter((each) => each !== type);
      return head + (redundancy ? [type, ...others] : [...others, type]).join(' ');
    });
  });
}

/** The payload type of a codec in a media section. */
function typeOf(section: string, codec: string): string | undefined {
  return section.match(new RegExp(`^a=rtpmap:(\\d+) ${codec}/`, 'im'))?.[1];
}

/** Changes the first section of sound: that of a screen may be music, which has quiet passages. */
function withVoice(sdp: string, change: (section: string) => string): string {
  const sections = sdp.split(/^(?=m=)/m);
  const voice = sections.findIndex((section) => section.startsWith('m=audio '));
  return sections.map((section, place) => (place === voice ? change(section) : section)).join('');
}
