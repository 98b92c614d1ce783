#include "CChargen.h"

#include "CSupport.h"

// In C, because Swift does not import the macro CHARGEN_VERSION. SwiftPM notices a change of
// include/chargen.h because this file includes it.

const char *chargen_version(void) { return cs_version(); }

int32_t chargen_version_number(void) { return CHARGEN_VERSION; }
