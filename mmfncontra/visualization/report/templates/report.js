(() => {
  'use strict';
  const slider = document.getElementById('iteration');
  if (!slider) return;
  const play = document.getElementById('play');
  const shown = document.getElementById('iteration-shown');
  const iterations = slider.dataset.iterations.split(' ').map(Number);
  const runs = [...document.querySelectorAll('.frames')].map((run) => [
    ...run.querySelectorAll('.frame'),
  ]);
  let timer = null;

  const show = () => {
    const position = slider.valueAsNumber;
    for (const frames of runs) {
      const reached = frames.filter((frame) => frame.dataset.iteration <= iterations[position]);
      const current = reached.length ? reached[reached.length - 1] : frames[0];
      for (const frame of frames) frame.classList.toggle('shown', frame === current);
    }
    const text = `iteration ${iterations[position]}`;
    shown.textContent = `${text} (${position + 1} of ${iterations.length})`;
    slider.setAttribute('aria-valuetext', text);
  };

  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = 'Play';
  };

  slider.addEventListener('input', () => {
    stop();
    show();
  });
  play.addEventListener('click', () => {
    if (timer !== null) return stop();
    play.textContent = 'Pause';
    if (slider.value === slider.max) slider.value = 0;
    show();
    timer = setInterval(() => {
      slider.stepUp();
      show();
      if (slider.value === slider.max) stop();
    }, 400);
  });
  show(); // a browser may keep the slider's place over a reload
})();
