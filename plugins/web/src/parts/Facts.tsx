/** What is measured about a detection, what the network says, and where all of it comes from. */

import type { Detection } from "../api/types";
import { decText, raText, shown } from "../lib/sky";

export function Facts({ detection, blind }: { detection: Detection; blind: boolean }) {
  const { opinion } = detection;
  return (
    <section className="box p-2" aria-label="Measurements">
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-sm sm:grid-cols-[auto_1fr_auto_1fr]">
        <Fact name="Night">{detection.night}</Fact>
        <Fact name="Band">
          {detection.band} · {detection.survey}
        </Fact>
        <Fact name="Position">
          {detection.ra_deg === null || detection.dec_deg === null
            ? `x ${shown(detection.x_pix, 1)}, y ${shown(detection.y_pix, 1)} pix`
            : `${raText(detection.ra_deg)} ${decText(detection.dec_deg)}`}
        </Fact>
        <Fact name="RA, Dec">
          {shown(detection.ra_deg, 5)}°, {shown(detection.dec_deg, 5)}°
        </Fact>
        <Fact name="Significance">{shown(detection.significance, 1)} σ</Fact>
        <Fact name="Flux">
          {shown(detection.flux, 0)} ± {shown(detection.flux_err, 0)} counts
        </Fact>
        <Fact name="Shape">
          FWHM {shown(detection.fwhm_pix, 1)} pix, ellipticity {shown(detection.ellipticity)}
        </Fact>
        <Fact name="Flags">
          {detection.flag_names.length === 0 ? "none" : detection.flag_names.join(", ").toLowerCase()}
        </Fact>
        {detection.quality_level && <Fact name="Exposure">quality {detection.quality_level}</Fact>}
        {blind || opinion === null ? (
          <Fact name="Network">hidden until you have judged</Fact>
        ) : (
          <>
            <Fact name="Score">
              {opinion.score === null ? opinion.unscored_reason : <strong>{shown(opinion.score, 3)}</strong>}{" "}
              {opinion.uncertainty !== null && (
                <span className="text-soft">uncertain by {shown(opinion.uncertainty)} of 1 bit</span>
              )}
            </Fact>
            <Fact name="Class">{opinion.kind?.replaceAll("_", " ") ?? "–"}</Fact>
            <Fact name="Anomaly">
              {shown(opinion.anomaly)} <span className="text-soft">1 is like the training, more is stranger</span>
            </Fact>
            <Fact name="Model">{opinion.model}</Fact>
          </>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

export function Provenance({
  detection,
  open,
  onToggle,
}: {
  detection: Detection;
  open: boolean;
  onToggle: (open: boolean) => void;
}) {
  return (
    <details className="box p-2" open={open} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary className="text-sm font-semibold">Provenance</summary>
      <dl className="mt-1 grid grid-cols-[auto_1fr] gap-x-3 text-xs">
        <Fact name="detection">
          <code className="break-all">{detection.id}</code>
        </Fact>
        <Fact name="observation">
          <code className="break-all">{detection.observation_id}</code>
        </Fact>
        {Object.entries(detection.provenance).map(([name, digest]) => (
          <Fact key={name} name={name.replaceAll("_", " ")}>
            <code className="break-all">{Array.isArray(digest) ? digest.join(" ") : (digest ?? "–")}</code>
          </Fact>
        ))}
      </dl>
    </details>
  );
}
