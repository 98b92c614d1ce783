import CAPI
import CChargen
import Testing

@Suite("Error messages")
struct MessageTests {
    @Test("A message stays until the next failure")
    func untilTheNextFailure() throws {
        let model = try CModel()
        #expect(chargen_session_reset(nil) == CHARGEN_INVALID_ARGUMENT)
        let session = CSession(model)
        #expect(session.feed("a") == CHARGEN_OK)
        #expect(errorMessage() == "the argument 'session' is NULL")
        #expect(session.feed("#") == CHARGEN_UNKNOWN_CHARACTER)
        #expect(errorMessage().contains("'#'"))
    }

    @Test("A message of more than 511 bytes loses characters in its middle, and keeps the reason", arguments: 0..<4)
    func longMessage(offset: Int) throws {
        // Each control character takes four bytes in the message.
        let path =
            String(repeating: "x", count: offset) + String(repeating: "\u{1}", count: 90)
            + String(repeating: "😀", count: 40)
        var model: OpaquePointer?
        #expect(chargen_model_load_file(path, &model) == CHARGEN_FILE_ACCESS)
        let message = try #require(String(validatingCString: chargen_error_message()))
        #expect((505...511).contains(message.utf8.count))
        #expect(message.hasPrefix("cannot read the model from '"))
        #expect(message.hasSuffix("😀': No such file or directory"))
        #expect(message.split(separator: "…").count == 2)
    }

    @Test("A file's name is quoted by its end, with escapes for control characters and for bytes of other encodings")
    func fileName() throws {
        func message(_ path: [CChar]) throws -> String {
            var model: OpaquePointer?
            #expect(chargen_model_load_file(path + [0], &model) == CHARGEN_FILE_ACCESS)
            return try #require(String(validatingCString: chargen_error_message()))
        }
        func bytes(_ text: String) -> [CChar] { text.utf8.map { CChar(bitPattern: $0) } }
        let reason = ": No such file or directory"
        #expect(
            try message(bytes("a\u{1B}[2J\n\u{9B}\u{202E}é\t") + [-1])
                == #"cannot read the model from 'a\x1B[2J\x0A\xC2\x9B\xE2\x80\xAEé\x09\xFF'"# + reason)
        let folder = String(repeating: "folder/", count: 100)
        #expect(
            try message(bytes(folder + "é" + String(repeating: "/", count: 253) + "z"))
                == "cannot read the model from '…" + String(repeating: "/", count: 253) + "z'" + reason)
    }
}
