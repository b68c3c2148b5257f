/** What the API answers, as far as the page reads it. */

export type VerdictWord = "real" | "bogus" | "unsure";

export interface Me {
  login: string;
  roles: string[];
  permissions: string[];
}

/** What the page is told about the place that it runs at. */
export interface Setup {
  survey: Survey | null;
}

/** Where a survey of the sky, and what shows it, are loaded from. */
export interface Survey {
  library: string;
  survey: string;
}

export interface Term {
  code: string;
  title: string;
}

export interface Vocabulary {
  version: number;
  reasons: Partial<Record<VerdictWord, Term[]>>;
}

/** What a network says of a detection. */
export interface Opinion {
  score: number | null;
  unscored_reason: string;
  uncertainty: number | null;
  anomaly: number | null;
  kind: string | null;
  model: string;
}

export interface Detection {
  id: string;
  observation_id: string;
  survey: string;
  night: string;
  band: string;
  instrument: string;
  mid_mjd: number;
  exposure_s: number | null;
  ra_deg: number | null;
  dec_deg: number | null;
  x_pix: number;
  y_pix: number;
  significance: number;
  flux: number | null;
  flux_err: number | null;
  chi2: number | null;
  fwhm_pix: number | null;
  ellipticity: number | null;
  flag_names: string[];
  quality_level: string | null;
  /** Null in blind review. */
  opinion: Opinion | null;
  provenance: Record<string, string | string[] | null>;
  claim_until?: string | null;
}

export interface Point {
  detection_id: string;
  observation_id: string;
  reference_digest: string | null;
  band: string;
  mid_mjd: number;
  flux: number | null;
  flux_err: number | null;
  mag_ab: number | null;
  mag_err: number | null;
}

export interface Limit {
  observation_id: string;
  band: string;
  mid_mjd: number;
  limit_mag: number;
  reference_digest: string | null;
  /** Measured at the place; else the depth of the whole exposure. */
  is_forced: boolean;
}

/** What an exposure shows at the place of an object, found there or not. */
export interface Forced {
  observation_id: string;
  reference_digest: string | null;
  band: string;
  mid_mjd: number;
  flux: number | null;
  flux_err: number | null;
  mag_ab: number | null;
  mag_err: number | null;
}

export interface Curve {
  entry_id: string | null;
  points: Point[];
  limits: Limit[];
  /** Empty before that is measured. */
  forced: Forced[];
}

export interface Neighbour {
  id: string;
  ra_deg: number;
  dec_deg: number;
  separation_arcsec: number;
  /** Status of an object, night of a detection. */
  note: string;
}

export interface Star {
  ra_deg: number;
  dec_deg: number;
  separation_arcsec: number;
  mag_ab: number | null;
  band: string | null;
}

/** An object of another catalog, where it was at the time of the exposure. */
export interface Known {
  id: string;
  kind: string;
  type: string;
  catalog: string;
  ra_deg: number;
  dec_deg: number;
  separation_arcsec: number;
  mag: number | null;
  redshift: number | null;
}

/** A minor planet or comet, where it stood at the time of the exposure. */
export interface MinorPlanet {
  name: string;
  ra_deg: number;
  dec_deg: number;
  separation_arcsec: number;
  err_arcsec: number;
  mag_v: number | null;
}

/** Another time that the same object was detected. */
export interface Earlier extends Point {
  ra_deg: number | null;
  dec_deg: number | null;
  separation_arcsec: number;
}

/** Nearest first, each; the history oldest first. */
export interface Neighbours {
  entry_id: string | null;
  history: Earlier[];
  objects: Neighbour[];
  detections: Neighbour[];
  stars: Star[];
  stars_from: string | null;
  known: Known[];
  minor_planets: MinorPlanet[];
}

export interface VerdictEvent {
  id: string;
  detection_id: string;
  curator: string;
  role: string;
  verdict: VerdictWord | "withdrawn";
  reason: string;
  comment: string;
  confidence: number | null;
  at: string;
  supersedes: string | null;
}

export interface Consensus {
  state: "open" | "agreed" | "disputed" | "arbitrated";
  verdict: VerdictWord | null;
  reason: string;
  n_votes: number;
  agreement: number | null;
  arbiter: string | null;
}

/** The consensus is null while the votes of others are kept from somebody who may still vote. */
export interface Judgement {
  items: VerdictEvent[];
  consensus: Consensus | null;
}

export interface Disputed extends Detection {
  verdicts: VerdictEvent[];
  consensus: Consensus;
}

export interface Claim {
  detection_id: string;
  until: string;
}

export interface Summary {
  n_by_state: Partial<Record<Consensus["state"], number>>;
  n_held: number;
  n_judged: number;
  per_hour: number | null;
}

export interface Confusion {
  login: string;
  /** How often, by ``truth/said``. */
  counts: Record<string, number>;
  completeness: number | null;
  completeness_low: number | null;
  completeness_high: number | null;
}

/** How many of the injected sources that somebody was shown they called real, by predicted S/N. */
export interface Completeness {
  login: string;
  bins: {
    low: number;
    high: number | null;
    n_shown: number;
    n_called_real: number;
    fraction: number | null;
    fraction_low: number | null;
    fraction_high: number | null;
  }[];
}

export interface Agreement {
  n_detections: number;
  n_votes: number;
  fleiss_kappa: number | null;
  krippendorff_alpha: number | null;
  pairs: { logins: [string, string]; n_both: number; cohen_kappa: number | null }[];
  against_seeds: Confusion[];
  against_final: Confusion[];
  completeness: Completeness[];
}

export interface Night {
  night: string;
  survey: string;
  n_observations: number;
  n_detections: number;
}

export interface CoveredCell {
  cell: string;
  ra_deg: number;
  dec_deg: number;
  n_observations: number;
  depth_mag: number | null;
}

export interface Exposure {
  id: string;
  survey: string;
  band: string;
  ra_deg: number;
  dec_deg: number;
  radius_deg: number;
  depth_mag: number | null;
  status: string;
}

export interface Coverage {
  night: string;
  cell_order: number;
  cells: CoveredCell[];
  exposures: Exposure[];
}

export interface AuditRow {
  sequence: number;
  name: string;
  subject: string;
  actor: string;
  at: string;
  facts: Record<string, unknown>;
  digest: string;
}
