import CSupport

/// The version of chargen, such as `0.2.0-dev`. It stands in `include/chargen.h` alone.
public var chargenVersion: String { String(cString: cs_version()) }
