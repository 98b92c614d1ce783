import CSupport

/// The version of chargen, such as `0.2.0-dev`. `include/chargen.h` defines it.
public var chargenVersion: String { String(cString: cs_version()) }
