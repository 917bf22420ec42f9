// Resolves with the milliseconds from the click on "Join" to the first remote picture.
return new Promise((done, fail) => {
  const until = performance.now() + 25000;
  const look = () => {
    const click = window.__lab.clicks.findLast((click) => click.name === 'Join');
    const frame = window.__lab.firstFrames.find((f) => f.role === 'remote' && click && f.at > click.at);
    if (frame) done(frame.at - click.at);
    else if (performance.now() > until) fail(new Error('no remote picture within 25 s'));
    else setTimeout(look, 100);
  };
  look();
});
