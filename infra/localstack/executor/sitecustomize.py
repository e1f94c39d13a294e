"""Python runs this module at startup. LocalStack 4.14.0 imports `warnings.deprecated`, which Python 3.12 lacks."""

import warnings

if not hasattr(warnings, "deprecated"):
    from typing_extensions import deprecated

    warnings.deprecated = deprecated
