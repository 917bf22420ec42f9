// What the page shows and plays right now, and how its connections stand. Returns a promise.
return (async () => {
  const lab = window.__lab ?? { pcs: [], sockets: [], log: [] };
  const root = document.querySelector('[data-call-state]');
  const isOwn = (element) => element.dataset.role === 'own';

  const videos = [...document.querySelectorAll('video')].map((video) => {
    const look = { role: video.dataset.role ?? '', frames: 0, width: video.videoWidth, paused: video.paused };
    // Firefox counts those of files there, and none of a call.
    look.frames = video.getVideoPlaybackQuality().totalVideoFrames || (video.__frames ?? 0);
    look.picture = 0;
    look.attached = video.__attached ?? 0;
    if (video.videoWidth > 0) {
      const canvas = (lab.canvas ??= document.createElement('canvas'));
      canvas.width = 32;
      canvas.height = 24;
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.drawImage(video, 0, 0, 32, 24);
      let hash = 0;
      for (const byte of context.getImageData(0, 0, 32, 24).data) hash = (hash * 31 + byte) >>> 0;
      look.picture = hash;
    }
    return look;
  });

  // The loudest frequency of what is really played to the person: unmuted, running, not their own.
  const players = [...document.querySelectorAll('video, audio')].filter(
    (element) =>
      !isOwn(element) && !element.muted && !element.paused && element.volume > 0 &&
      element.srcObject?.getAudioTracks().length,
  );
  const heard = [];
  if (players.length) {
    const context = (lab.audio ??= new AudioContext());
    if (context.state !== 'running') await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 500))]);
    lab.ears ??= new Map();
    for (const player of players) {
      const track = player.srcObject.getAudioTracks()[0];
      let ear = lab.ears.get(track.id);
      if (!ear) {
        ear = context.createAnalyser();
        ear.fftSize = 8192;
        ear.smoothingTimeConstant = 0;
        context.createMediaStreamSource(new MediaStream([track])).connect(ear);
        lab.ears.set(track.id, ear);
        await new Promise((done) => setTimeout(done, 300));
      }
      const bins = new Float32Array(ear.frequencyBinCount);
      ear.getFloatFrequencyData(bins);
      let best = 0;
      bins.forEach((level, index) => (best = level > bins[best] ? index : best));
      const decibels = Number.isFinite(bins[best]) ? bins[best] : -200;
      heard.push({ hertz: (best * context.sampleRate) / ear.fftSize, decibels, context: context.state });
    }
  }

  const connections = [];
  for (const pc of lab.pcs) {
    if (pc.connectionState === 'closed') continue;
    // Firefox never answers for a connection that is closed meanwhile.
    const report = await Promise.race([pc.getStats(), new Promise((late) => setTimeout(late, 2000))]);
    if (!report) continue;
    const stats = [...report.values()];
    const byId = new Map(stats.map((entry) => [entry.id, entry]));
    const brief = (candidate) =>
      candidate && {
        type: candidate.candidateType,
        protocol: candidate.protocol,
        relayProtocol: candidate.relayProtocol,
        address: candidate.address ?? '',
        port: candidate.port,
      };
    const transport = stats.find((entry) => entry.type === 'transport');
    const pair = byId.get(transport?.selectedCandidatePairId);
    const inbound = (kind) =>
      stats.filter((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
    connections.push({
      state: pc.connectionState,
      ice: pc.iceConnectionState,
      local: stats.filter((entry) => entry.type === 'local-candidate').map(brief),
      remote: stats.filter((entry) => entry.type === 'remote-candidate').map(brief),
      selected: pair ? { local: brief(byId.get(pair.localCandidateId)), remote: brief(byId.get(pair.remoteCandidateId)) } : null,
      decoded: inbound('video').reduce((sum, entry) => sum + (entry.framesDecoded ?? 0), 0),
      energy: inbound('audio').reduce((sum, entry) => sum + (entry.totalAudioEnergy ?? 0), 0),
      packets: inbound('audio').reduce((sum, entry) => sum + (entry.packetsReceived ?? 0), 0),
      level: inbound('audio').reduce((most, entry) => Math.max(most, entry.audioLevel ?? 0), 0),
      sent: stats.filter((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video').reduce((sum, entry) => sum + (entry.framesSent ?? 0), 0),
    });
  }

  return {
    url: location.href.replace(/#.*/, '#…'),
    state: root?.dataset.callState ?? '',
    path: root?.dataset.path ?? '',
    peers: root?.dataset.peers ?? '',
    reason: root?.dataset.endedReason ?? '',
    hold: root?.dataset.hold ?? '',
    incoming: Number(root?.dataset.incoming ?? 0),
    // What rings on the screen, by name.
    alerts: [...document.querySelectorAll('[role=alertdialog]')].map(
      (alert) => document.getElementById(alert.getAttribute('aria-labelledby'))?.textContent ?? '',
    ),
    asked: lab.asked ?? 0,
    made: lab.pcs.length,
    tones: lab.tones ?? 0,
    videos,
    heard,
    connections,
    sockets: lab.sockets.map((socket) => socket.readyState),
    log: lab.log.slice(-15),
    marks: (lab.marks ?? []).slice(-20).map(({ what, at }) => `${(at / 1000).toFixed(2)} ${what}`),
    text: (document.body?.innerText ?? '').slice(0, 1200),
  };
})();
