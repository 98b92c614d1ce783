// A header alone does not make SwiftPM build what includes it again when it changes.
#include "CIntrinsics.h"
