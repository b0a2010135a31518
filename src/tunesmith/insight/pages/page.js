"use strict";
// Draws each figure when it comes near the view or the browser is idle, in the colours of the page; all before printing.
const drawn = new Set();
const lightInPrint = { ink: "#000000", faint: "#444444", grid: "#e0e0e0", line: "#bbbbbb", panel: "#ffffff" };
const widthInPrint = { half: 335, whole: 690 }; // pixels on A4 and Letter between the margins of page.css
let isPrinting = false;

function colour(name) {
  return isPrinting ? lightInPrint[name] : getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function themed(layout) {
  const change = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", "font.color": colour("ink"),
    "hoverlabel.bgcolor": colour("panel"), "hoverlabel.bordercolor": colour("line"), "hoverlabel.font.color": colour("ink"),
  };
  const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))]);
  for (const axis of axes) {
    change[axis + ".gridcolor"] = colour("grid");
    change[axis + ".zerolinecolor"] = colour("grid");
    change[axis + ".linecolor"] = colour("line");
  }
  return change;
}

function withTexts(trace) {
  if (!trace.texts) return trace;
  const { texts, text_index: index, ...rest } = trace;
  return { ...rest, text: index.map((place) => (place === null ? "" : texts[place])) };
}

function setDeep(target, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let at = target;
  for (const name of names) at = at[name] ??= {};
  at[last] = value;
}

async function draw(plot) {
  if (drawn.has(plot.id)) return;
  drawn.add(plot.id);
  const spec = JSON.parse(document.getElementById(plot.id + "-spec").textContent);
  const layout = { autosize: true, ...spec.layout, height: plot.clientHeight || undefined };
  for (const [path, value] of Object.entries(themed(layout))) setDeep(layout, path, value);
  try {
    await Plotly.newPlot(plot, spec.data.map(withTexts), layout, { responsive: true, displaylogo: false });
  } catch (error) { // the other figures stand
    Plotly.purge(plot);
    plot.textContent = "This figure cannot be drawn: " + error.message;
  }
}

const plots = [...document.querySelectorAll(".plot")];
const watch = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => { watch.unobserve(entry.target); draw(entry.target); }),
  { rootMargin: "300px" },
);
plots.forEach((plot) => watch.observe(plot));

const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
function drawNext() {
  const next = plots.find((plot) => !drawn.has(plot.id) && plot.checkVisibility?.() !== false);
  if (!next) return;
  draw(next);
  idle(drawNext);
}
idle(drawNext);

function width(plot) { // null: that of the page
  return !isPrinting ? null : plot.closest(".half") ? widthInPrint.half : widthInPrint.whole;
}

function repaint() {
  for (const plot of plots) {
    if (drawn.has(plot.id) && plot.layout) Plotly.relayout(plot, { ...themed(plot.layout), width: width(plot), autosize: !isPrinting });
  }
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

let wereClosed = [];
addEventListener("beforeprint", () => {
  isPrinting = true;
  wereClosed = [...document.querySelectorAll("details:not([open])")];
  wereClosed.forEach((each) => (each.open = true));
  plots.forEach(draw);
  repaint();
});
addEventListener("afterprint", () => {
  isPrinting = false;
  wereClosed.forEach((each) => (each.open = false));
  repaint();
});

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
  } catch { // a file may have no clipboard
    const area = document.body.appendChild(document.createElement("textarea"));
    area.value = words;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.layout) {
    button.parentElement.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", each === button));
    Plotly.relayout(button.closest(".figure").querySelector(".plot"), JSON.parse(button.dataset.layout));
  } else if (button.parentElement.className === "command") {
    copy(button.previousElementSibling.textContent).then(() => {
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 1500);
    });
  }
});
