import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Files that are read as a whole")
struct FileContentsTests {
    @Test("a file is read whole, or its beginning", arguments: [0, 1, 63, 64, 65, 100_000])
    func file(length: Int) throws {
        try withTemporaryFolder { folder in
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
            let path = folder.path + "/file"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try Array(FileContents.read(path)) == bytes)
            for count in [0, 8, 100, 200_000] {
                #expect(try FileContents.beginning(of: path, count: count) == Array(bytes.prefix(count)))
            }
        }
    }

    @Test("what is no file is refused, without waiting for a writer or an end")
    func noFile() throws {
        try withTemporaryFolder { folder in
            let pipe = folder.path + "/pipe"
            #expect(mkfifo(pipe, 0o666) == 0)
            for (path, error) in [
                (pipe, SystemError.notAFile), ("/dev/zero", .notAFile), (folder.path, SystemError(EISDIR)),
                (folder.path + "/none", SystemError(ENOENT)),
            ] {
                #expect(throws: error) { try FileContents.read(path) }
                #expect(throws: error) { try FileContents.beginning(of: path, count: 8) }
            }
            #expect(SystemError.notAFile.reason == "it is not a file")
        }
    }
}
