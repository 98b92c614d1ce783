// SwiftPM notices a change of a header only if a source file of its target includes it.
#include "CIntrinsics.h"
