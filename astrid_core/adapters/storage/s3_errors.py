"""What botocore raises, in our words."""

from botocore import exceptions as vendor

from astrid_core.shared.errors import AstridError, BadConfiguration, StorageUnavailable

_TEMPORARY = (
    vendor.ConnectionError,  # no way to the store: refused, unnamed, no proxy, no certificate
    vendor.HTTPClientError,  # a connection that broke or was not answered in time
    vendor.IncompleteReadError,
    vendor.FlexibleChecksumError,
    vendor.CapacityNotAvailableError,
    vendor.MetadataRetrievalError,
)
_CONFIGURATION = (
    vendor.NoCredentialsError,
    vendor.PartialCredentialsError,
    vendor.CredentialRetrievalError,
    vendor.UnknownCredentialError,
    vendor.NoAuthTokenError,
    vendor.TokenRetrievalError,
    vendor.UnknownTokenProviderError,
    vendor.SSOError,
    vendor.LoginError,
    vendor.ProfileNotFound,
    vendor.ConfigNotFound,
    vendor.ConfigParseError,
    vendor.InvalidConfigError,
    vendor.NoRegionError,
    vendor.InvalidRegionError,
    vendor.UnknownRegionError,
    vendor.InvalidDNSNameError,
    vendor.InvalidHostLabelError,
    vendor.InvalidProxiesConfigError,
    vendor.InvalidRetryConfigurationError,
    vendor.InvalidRetryModeError,
    vendor.InvalidMaxRetryAttemptsError,
    vendor.InvalidS3AddressingStyleError,
    vendor.InvalidS3UsEast1RegionalEndpointConfigError,
    vendor.InvalidSTSRegionalEndpointsConfigError,
    vendor.InvalidDefaultsMode,
    vendor.InvalidChecksumConfigError,
    vendor.InvalidIMDSEndpointError,
    vendor.InvalidIMDSEndpointModeError,
    vendor.UnsupportedS3ConfigurationError,
    vendor.UnsupportedS3ControlConfigurationError,
    vendor.EndpointProviderError,
    vendor.EndpointVariantError,
)
EXPECTED = (*_TEMPORARY, *_CONFIGURATION, vendor.ClientError)
"""Everything that a caller shall translate; the rest of botocore's exceptions are bugs, ours or its, and pass."""

_TEMPORARY_STATUS = (408, 409, 425, 429, 500, 502, 503, 504)
_TEMPORARY_CODES = (
    "RequestTimeout",
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "Throttling",
    "OperationAborted",
)
_REFUSED_STATUS = (401, 403)
_REFUSED_CODES = ("NoSuchBucket", "InvalidBucketName", "PermanentRedirect", "AuthorizationHeaderMalformed")
_TAKEN_STATUS = 412


def translated(error: Exception, *, where: str) -> Exception:
    """Return our error for a vendor's; an answer of the store that we do not expect is returned as it is."""
    if isinstance(error, vendor.ClientError):
        return _answered(error, where) or error
    if isinstance(error, _TEMPORARY):
        return StorageUnavailable("object store does not answer", where=where, cause=_line(error))
    if isinstance(error, _CONFIGURATION):
        return BadConfiguration("object store cannot be used as configured", where=where, cause=_line(error))
    return error


def is_missing(error: Exception) -> bool:
    """Tell whether the store said that it has no such object (and not that it has no such bucket)."""
    return isinstance(error, vendor.ClientError) and _status(error) == 404 and _code(error) != "NoSuchBucket"


def is_taken(error: Exception) -> bool:
    """Tell whether the store refused to overwrite."""
    return isinstance(error, vendor.ClientError) and _status(error) == _TAKEN_STATUS


def _answered(error: vendor.ClientError, where: str) -> AstridError | None:
    code, status = _code(error), _status(error)
    if code in _REFUSED_CODES or status in _REFUSED_STATUS:
        return BadConfiguration("object store refuses", where=where, code=code, status=status)
    if code in _TEMPORARY_CODES or status in _TEMPORARY_STATUS:
        return StorageUnavailable("object store is in trouble", where=where, code=code, status=status)
    return None


def _status(error: vendor.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: vendor.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
