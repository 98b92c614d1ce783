import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Files written atomically")
struct AtomicFileTests {
    @Test("a failed write leaves the old file and nothing else")
    func atomicFile() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/file"
            try AtomicFile.write(Array("old".utf8), to: path)
            #expect(throws: TrainingError.self) { try AtomicFile.write(Array("new".utf8), to: path + "/below") }
            // The temporary name is taken by a folder: the file cannot be opened.
            try FileManager.default.createDirectory(atPath: path + ".partial", withIntermediateDirectories: true)
            #expect(throws: TrainingError.self) { try AtomicFile.write(Array("new".utf8), to: path) }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
            try FileManager.default.removeItem(atPath: path + ".partial")
            try AtomicFile.write(Array("new".utf8), to: path)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
        }
    }

    @Test(
        "the folder of a path is POSIX's",
        arguments: [
            ("m", "."), ("é", "."), ("-", "."), ("", "."), ("..", "."), ("m/", "."), ("./m", "."), ("../m", ".."),
            ("a/m", "a"), ("a//m", "a"), ("a/b/", "a"), ("/m", "/"), ("/", "/"), ("/é/m", "/é"),
        ])
    func folder(path: String, folder: String) {
        #expect(AtomicFile.folder(of: path) == folder)
    }

    @Test("a name may have as many bytes as the system allows", arguments: [2, 246, 247, 248, 255])
    func longName(length: Int) throws {
        try withTemporaryFolder { folder in
            for letter in ["a", "é"] {
                let name = String(repeating: letter, count: length / letter.utf8.count)
                try AtomicFile.write(Array("new".utf8), to: folder.path + "/" + name)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [name])
                try FileManager.default.removeItem(atPath: folder.path + "/" + name)
            }
            let temporary = AtomicFile.temporaryPath(beside: folder.path + "/" + String(repeating: "a", count: 255))
            #expect(temporary.utf8.count == folder.path.utf8.count + 1 + 255 && temporary.hasSuffix("a.partial"))
        }
    }
}
