#include "CChargen.h"

// SwiftPM notices a change of include/chargen.h because this file includes it.

#define TEXT(number) #number
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

// In C, because only the preprocessor can make a text of the header's numbers.
const char *chargen_version(void) {
    return VERSION(CHARGEN_VERSION_MAJOR, CHARGEN_VERSION_MINOR, CHARGEN_VERSION_PATCH);
}
