"""``astrid difference``: two FITS files in, a difference and its candidates out; no database."""

import argparse
import json
from pathlib import Path
from typing import Any

Subparsers = Any


def add_commands(choose: Subparsers) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "difference",
        help="subtract a reference from a science image; needs no database",
        description="Registers the reference to the science frame, measures both PSFs, subtracts (ZOGY), and writes "
        "DIR/difference.fits and DIR/candidates.ecsv. Exit status 99: the pair cannot be differenced.",
        allow_abbrev=False,
    )
    parser.add_argument("--science", required=True, type=Path, metavar="S.fits")
    parser.add_argument("--reference", required=True, type=Path, metavar="R.fits")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print a machine-readable summary")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Difference one pair."""
    from astrid_core.bootstrap import load_pipeline
    from astrid_core.cli.frames import prepare_pair
    from astrid_core.differencing.pair import difference_pair
    from astrid_core.differencing.products import candidate_table, write_difference

    pipeline = load_pipeline()
    science, reference = prepare_pair(arguments.science, arguments.reference, pipeline)
    pair = difference_pair(
        science.image, reference.image, pipeline.difference, trust_science_wcs=science.is_wcs_trusted
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "difference.fits").write_bytes(write_difference(pair))
    (arguments.out / "candidates.ecsv").write_bytes(candidate_table(pair))
    n_usable_pix = int((pair.difference.mask == 0).sum())
    summary = {
        "science": str(arguments.science),
        "reference": str(arguments.reference),
        "difference": str(arguments.out / "difference.fits"),
        "candidates": str(arguments.out / "candidates.ecsv"),
        "n_candidates": len(pair.peaks),
        "n_candidates_7_5_sigma": sum(abs(peak.score) >= 7.5 for peak in pair.peaks),
        "n_usable_pix": n_usable_pix,
        "flux_ratio": pair.flux_ratio,
        "science_fwhm_pix": pair.science_fwhm_pix,
        "reference_fwhm_pix": pair.reference_fwhm_pix,
        "registration_method": pair.registration.method,
        "registration_rms_pix": pair.registration.rms_pix,
        "n_matched_stars": pair.registration.n_matched,
        "score_noise": pair.difference.score_noise,
        "source_noise": pair.difference.source_noise,
        "quality": pair.quality.level.value,
        "quality_reasons": list(pair.quality.reasons),
        "method": pair.difference.method,
        "method_reason": pair.difference.method_reason,
        "overlap": pair.difference.overlap,
    }
    if arguments.json:
        print(json.dumps(summary, indent=2))
    else:
        print(
            f"{summary['n_candidates']} candidates, {summary['n_candidates_7_5_sigma']} of them above 7.5 sigma, on "
            f"{n_usable_pix / 1e6:.2f} Mpix\n"
            f"registered to {pair.registration.rms_pix:.2f} pix with {pair.registration.n_matched} stars "
            f"(by {pair.registration.method}), flux ratio {pair.flux_ratio:.4g}, FWHM {pair.science_fwhm_pix:.1f} and "
            f"{pair.reference_fwhm_pix:.1f} pix\n"
            f"method {pair.difference.method}: {pair.difference.method_reason}\n"
            f"quality {pair.quality.level}" + "".join(f"\n  {reason}" for reason in pair.quality.reasons) + "\n"
            f"{summary['difference']}\n{summary['candidates']}"
        )
    return 0
