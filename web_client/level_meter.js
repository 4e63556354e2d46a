// How loud the microphone is, as a bar: the person sees before joining that it works.

/** Below this the bar is empty, at 0 dBFS it is full. Speech at a desk is about -30 dBFS. */
const FLOOR_DB = -60;

export class LevelMeter {
  /** @param {HTMLElement} meter with role="meter", from 0 to 10 */
  constructor(meter) {
    this.meter = meter;
    /** @type {AudioContext|null} */
    this.context = null;
    /** @type {MediaStreamAudioSourceNode|null} */
    this.source = null;
    this.frame = 0;
  }

  show(/** @type {MediaStreamTrack|null} */ track) {
    this.stop();
    if (!track || !globalThis.AudioContext) return;
    this.context ??= new AudioContext();
    const context = this.context;
    // Browsers keep a context silent until the person touches the page.
    if (context.state === "suspended") {
      const wake = () => context.resume().catch(() => undefined);
      for (const type of ["pointerdown", "keydown"]) addEventListener(type, wake, { once: true });
      wake();
    }
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let shown = 0;
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      let energy = 0;
      for (const sample of samples) energy += sample * sample;
      const db = 10 * Math.log10(energy / samples.length + 1e-12);
      const level = Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
      shown = Math.max(level, shown * 0.92);
      this.draw(shown);
      this.frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.source?.disconnect();
    this.source = null;
    this.draw(0);
  }

  draw(/** @type {number} */ level) {
    this.meter.style.setProperty("--level", level.toFixed(3));
    this.meter.setAttribute("aria-valuenow", String(Math.round(level * 10)));
  }

  /** Give the sound hardware back. */
  close() {
    this.stop();
    this.context?.close().catch(() => undefined);
    this.context = null;
  }
}
