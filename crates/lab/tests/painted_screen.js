// A screen for a browser that has none to choose from.
navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const context = canvas.getContext('2d');
  setInterval(() => {
    context.fillStyle = `hsl(${(performance.now() / 20) % 360} 80% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 100);
  return canvas.captureStream(10);
};
