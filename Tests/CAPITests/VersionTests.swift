import CAPI
import CChargen
import Core
import Testing

@Suite("Version and statuses")
struct VersionTests {
    @Test("The library's version is the header's")
    func version() {
        let numbers = "\(CHARGEN_VERSION_MAJOR).\(CHARGEN_VERSION_MINOR).\(CHARGEN_VERSION_PATCH)"
        #expect(String(cString: chargen_version()) == numbers + CHARGEN_VERSION_SUFFIX)
    }

    @Test("A version's number has two digits each for its minor number and its patch")
    func versionNumber() {
        let number = CHARGEN_VERSION_MAJOR * 10_000 + CHARGEN_VERSION_MINOR * 100 + CHARGEN_VERSION_PATCH
        #expect(chargen_version_number() == number)
    }

    @Test(
        "A kind of error and its status have one number",
        arguments: [
            (ChargenError.Kind.invalidArgument, CHARGEN_INVALID_ARGUMENT),
            (.outOfMemory, CHARGEN_OUT_OF_MEMORY),
            (.fileAccess, CHARGEN_FILE_ACCESS),
            (.invalidModel, CHARGEN_INVALID_MODEL),
            (.unsupportedVersion, CHARGEN_UNSUPPORTED_VERSION),
            (.invalidUTF8, CHARGEN_INVALID_UTF8),
            (.unknownCharacter, CHARGEN_UNKNOWN_CHARACTER),
            (.bufferTooSmall, CHARGEN_BUFFER_TOO_SMALL),
            (.unsupportedBackend, CHARGEN_UNSUPPORTED_BACKEND),
        ])
    func statuses(kind: ChargenError.Kind, constant: Int) {
        #expect(kind.rawValue == status(constant))
    }
}
