// Records the other person from now on: the sound as it is played, concealment and gaps included, and
// what picture comes twice a second. `window.__tape.stop()` gives both.
if (window.__tape) return;
const sound = [];
const pictures = [];
const living = () => window.__lab.pcs.findLast((pc) => pc.connectionState !== 'closed');
const { track } = living().getReceivers().find((receiver) => receiver.track.kind === 'audio');
const reader = new MediaStreamTrackProcessor({ track: track.clone(), maxBufferSize: 500 }).readable.getReader();
const rates = new Set();
(async () => {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const samples = new Float32Array(value.numberOfFrames);
    value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
    rates.add(value.sampleRate);
    value.close();
    sound.push(Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32767));
  }
})();
const start = performance.now();
const look = async () => {
  const streams = [...(await living().getStats()).values()].filter(
    ({ type, kind }) => type === 'inbound-rtp' && kind === 'video',
  );
  // Of several pictures the camera's is the one that comes.
  const camera = streams.sort((a, b) => (b.framesDecoded ?? 0) - (a.framesDecoded ?? 0))[0] ?? {};
  const { frameWidth = 0, frameHeight = 0, framesDecoded = 0, bytesReceived = 0, freezeCount = 0 } = camera;
  pictures.push([(performance.now() - start) / 1000, frameWidth, frameHeight, framesDecoded, bytesReceived, freezeCount]);
};
look();
const clock = setInterval(look, 500);
window.__tape = {
  async stop() {
    clearInterval(clock);
    await reader.cancel();
    const blob = new Blob(sound);
    const file = new FileReader();
    await new Promise((done) => ((file.onload = done), file.readAsDataURL(blob)));
    delete window.__tape;
    return { sound: file.result.split(',')[1] ?? '', rates: [...rates], pictures };
  },
};
