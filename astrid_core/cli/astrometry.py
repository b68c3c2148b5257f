"""``astrid catalog`` and ``astrid solve``: reference stars in, sky coordinates out; no database."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.preprocessing.wcs_quality import AstrometricSolution


def add_commands(choose: Any) -> None:
    """Add the commands."""
    catalog = choose.add_parser(
        "catalog", help="catalogs of reference stars and known objects on disk", allow_abbrev=False
    )
    inner = catalog.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = inner.add_parser(
        "import",
        help="make a catalog of a table of stars, or of other objects",
        description="Reads a table of Gaia stars (FITS, VOTable, ECSV, CSV or Parquet, with the columns of the Gaia "
        "archive, VizieR or Rubin's reference catalogs) and writes shards into a new folder. With --kind it is a table "
        "of other objects, whose columns are found by their usual names or named by --column.",
        allow_abbrev=False,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--name", dest="catalog_name", required=True, metavar="NAME", help="of the catalog, for example gaia"
    )
    parser.add_argument("--release", required=True, help="for example dr3")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: stars, or sources/NAME, in ASTRID_HOME, which are used"
    )
    parser.add_argument("--epoch", type=float, metavar="YEAR", help="of the positions, where the file does not tell it")
    parser.add_argument("--region", metavar="REGION", help="where the table is complete; default: where it has rows")
    parser.add_argument("--kind", metavar="KIND", help="star, variable, galaxy, agn or transient: known objects")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="MEANING=NAME",
        help="with --kind, may be repeated: ra, dec, err, pm_ra, pm_dec, mag, redshift, size, id or type",
    )
    catalog.set_defaults(command=run_catalog)
    solver = choose.add_parser(
        "solve",
        help="tie one FITS image to a catalog of stars; needs no database",
        description="Verifies and refines the header's WCS against a star catalog, or finds it from the pointing or "
        "from the stars of a region. Exit status 99: there is no solution, and why.",
        allow_abbrev=False,
    )
    solver.add_argument("file", type=Path, metavar="FILE")
    solver.add_argument("--catalog", metavar="PLACE", help="folder or address; default: ASTRID_STAR_CATALOG")
    solver.add_argument("--region", metavar="REGION", help="where to look for an image without any position")
    solver.add_argument("--scale", type=float, nargs=2, metavar=("LOW", "HIGH"), help="arcsec per pixel, with --region")
    solver.add_argument("--write", type=Path, metavar="OUT", help="write the image with the new WCS")
    solver.add_argument("--json", action="store_true", help="print a machine-readable summary")
    solver.set_defaults(command=run_solve)


def run_catalog(arguments: argparse.Namespace) -> int:
    """Import one table."""
    if arguments.kind is not None:
        return _import_sources(arguments)
    if arguments.column:
        raise ValueError("--column goes with --kind")
    from astrid_core.adapters.catalogs.shards import ShardCatalog
    from astrid_core.adapters.catalogs.tables import read_star_table
    from astrid_core.adapters.catalogs.write_shards import write_shards
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.settings import Settings

    stars = read_star_table(arguments.file, catalog=arguments.catalog_name, epoch_yr=arguments.epoch)
    region = None if arguments.region is None else read_region(arguments.region)
    out = arguments.out or Settings().home / "stars"
    covered = write_shards(stars, out, name=arguments.catalog_name, release=arguments.release, covered=region)
    area = covered.moc.sky_fraction * 41252.96
    print(f"{ShardCatalog(out).name}: {len(stars)} stars, complete on {area:.4g} square degrees")
    if arguments.out is not None:
        print(f"use it: ASTRID_STAR_CATALOG={out}")
    return 0


def _import_sources(arguments: argparse.Namespace) -> int:
    from astrid_core.adapters.catalogs.shards import ShardSources
    from astrid_core.adapters.catalogs.source_tables import read_source_table
    from astrid_core.adapters.catalogs.write_shards import write_sources
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.catalog.known_sources import SourceKind
    from astrid_core.settings import Settings

    kinds = [one.value for one in SourceKind if one is not SourceKind.MINOR_PLANET]
    if arguments.kind not in kinds:
        raise ValueError(f"--kind is one of {', '.join(kinds)}, not {arguments.kind}")
    names = dict(one.partition("=")[::2] for one in arguments.column)
    sources = read_source_table(
        arguments.file, SourceKind(arguments.kind), catalog=arguments.catalog_name,
        epoch_yr=2000.0 if arguments.epoch is None else arguments.epoch, names=names,
    )  # fmt: skip
    region = None if arguments.region is None else read_region(arguments.region)
    out = arguments.out or Settings().home / "sources" / arguments.catalog_name
    covered = write_sources(sources, out, name=arguments.catalog_name, release=arguments.release, covered=region)
    area = covered.moc.sky_fraction * 41252.96
    print(f"{ShardSources(out).name}: {len(sources)} {arguments.kind} objects, complete on {area:.4g} square degrees")
    if arguments.out is not None:
        print(f"use it: ASTRID_KNOWN_SOURCES={out}")
    return 0


def run_solve(arguments: argparse.Namespace) -> int:
    """Solve one file."""
    from dataclasses import replace

    from astrid_core.adapters.catalogs.open import open_star_catalog
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.bootstrap import load_pipeline
    from astrid_core.cli.solve_file import solve_file, write_solved
    from astrid_core.settings import Settings
    from astrid_core.shared.errors import BadConfiguration

    pipeline = load_pipeline()
    if arguments.scale is not None:
        scales = (arguments.scale[0], arguments.scale[1])
        pipeline = replace(pipeline, astrometry=replace(pipeline.astrometry, blind_scales_arcsec=scales))
    region = None if arguments.region is None else read_region(arguments.region)
    with open_star_catalog(arguments.catalog or Settings().star_catalog) as catalog:
        if catalog is None:
            raise BadConfiguration("no star catalog: give --catalog, or set ASTRID_STAR_CATALOG")
        solution = solve_file(arguments.file, catalog, pipeline, region=region)
    if arguments.write is not None:
        write_solved(arguments.file, solution, arguments.write)
    print(
        json.dumps(_summary(arguments.file, solution), indent=2) if arguments.json else _text(arguments.file, solution)
    )
    return 0


def _summary(path: Path, solution: "AstrometricSolution") -> dict[str, object]:
    middle = solution.wcs.wcs.crval
    facts = {name: getattr(solution, name) for name in solution.__slots__ if name not in ("wcs", "residual_map")}
    return {"file": str(path), "crval_deg": [float(middle[0]), float(middle[1])]} | {
        name: None if isinstance(value, float) and math.isnan(value) else value for name, value in facts.items()
    }


def _text(path: Path, solution: "AstrometricSolution") -> str:
    return (
        f"{path}: {solution.method}, {solution.model}\n"
        f"rms {solution.rms_x_mas:.1f} x {solution.rms_y_mas:.1f} mas, "
        f"of stars left out {solution.held_out_x_mas:.1f} x {solution.held_out_y_mas:.1f} mas, "
        f"{solution.pixel_scale_arcsec:.4f} arcsec per pixel\n"
        f"{solution.n_matched} stars matched, {solution.n_outliers} outliers, {solution.n_expected} expected; "
        f"by chance once in 10^{-solution.log10_chance:.0f}; header off by {solution.offset_arcsec:.2f} arcsec\n"
        f"catalog: {solution.catalog}"
    )
