// The controls of a run that trains: each request has the token, which the address of the page or a reader gives. Buttons that cannot be
// used now stay reachable by keyboard (aria-disabled).
const controls = document.getElementById("controls");
let announced = "", lastState = null;
function say(text, wrong) {
  const place = document.getElementById("control-status");
  place.textContent = text;
  place.classList.toggle("wrong", Boolean(wrong));
}
const possible = {checkpoint: ["running", "paused", "validating"], pause: ["running", "paused", "validating"], lr: ["running", "paused"], stop: ["running", "paused", "validating"]};
function showControls(state) {
  if (!controls) return;
  lastState = state;
  const token = sessionStorage.getItem("token"), ended = Boolean(state.done);
  controls.classList.toggle("off", !token || ended);
  document.getElementById("control-token").classList.toggle("off", Boolean(token) || ended);
  for (const button of controls.querySelectorAll("button")) {
    const action = button.dataset.action === "continue" ? "pause" : button.dataset.action;
    button.setAttribute("aria-disabled", String(!possible[action].includes(state.state)));
    if (action === "pause") {
      button.dataset.action = state.state === "paused" ? "continue" : "pause";
      button.textContent = state.state === "paused" ? "Continue" : "Pause";
    }
  }
  const now = state.state === "paused" ? `The run is paused after step ${state.step ? state.step.step : 0}.` : ended ? `The run is ${state.state}.` : "";
  if (now && now !== announced || !now && announced.includes("paused")) say(now || "The run continues.");
  announced = now;
}
async function request(action, values) {
  const token = sessionStorage.getItem("token");
  let answer, text;
  try {
    answer = await fetch("/api/" + action, {method: "POST", credentials: "same-origin", headers: {Authorization: "Bearer " + token, "Content-Type": "application/json"}, body: values ? JSON.stringify(values) : ""});
    text = await answer.json();
  } catch (e) {
    say(`The server cannot be reached (${e.message}).`, true);
    return;
  }
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    if (lastState) showControls(lastState);
  }
  const message = answer.ok ? text.text : text.error;
  say(message.charAt(0).toUpperCase() + message.slice(1) + ".", !answer.ok);
}
if (controls) {
  const dialog = document.getElementById("control-stop"), lr = document.getElementById("control-lr"), form = document.getElementById("control-token");
  controls.addEventListener("click", e => {
    const button = e.target.closest("button[type=button]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    if (button.dataset.action === "stop") dialog.showModal();
    else request(button.dataset.action);
  });
  dialog.addEventListener("click", e => {
    const value = e.target.closest("button")?.value;
    if (value) dialog.close();
    if (value === "stop") request("stop");
  });
  lr.addEventListener("submit", e => {
    e.preventDefault();
    if (lr.querySelector("button").getAttribute("aria-disabled") === "true") return;
    request("lr", {[lr.querySelector("select").value]: lr.querySelector("input").valueAsNumber});
  });
  form.addEventListener("submit", e => {
    e.preventDefault();
    sessionStorage.setItem("token", form.querySelector("input").value.trim());
    form.querySelector("input").value = "";
    if (lastState) showControls(lastState);
    controls.querySelector("button").focus();
  });
}
