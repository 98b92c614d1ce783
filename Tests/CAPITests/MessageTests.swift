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

    @Test("A long message is cut between characters, at 511 bytes", arguments: 0..<4)
    func longMessage(offset: Int) throws {
        let path = String(repeating: "x", count: offset) + String(repeating: "😀", count: 200)
        var model: OpaquePointer?
        #expect(chargen_model_load_file(path, &model) == CHARGEN_FILE_ACCESS)
        let message = try #require(String(validatingCString: chargen_error_message()))
        #expect((508...511).contains(message.utf8.count))
    }
}
