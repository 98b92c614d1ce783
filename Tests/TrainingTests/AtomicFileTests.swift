import CSupport
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Files written atomically")
struct AtomicFileTests {
    private func write(_ text: String, to path: String) throws {
        try AtomicFile.write(Array(text.utf8), to: path)
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    private func rights(_ path: String) -> mode_t {
        var information = stat()
        return stat(path, &information) == 0 ? information.st_mode & 0o7777 : 0
    }

    @Test("what stands at the name and is no file stays, with a message")
    func noFile() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/file"
            try write("old", to: path)
            #expect(throws: TrainingError.self) { try write("new", to: path + "/below") }
            #expect(mkfifo(folder.path + "/pipe", 0o666) == 0)
            try FileManager.default.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: true)
            for name in ["pipe", "folder"] {
                #expect(throws: TrainingError.cannotWrite(path: folder.path + "/" + name, reason: "it is not a file")) {
                    try write("new", to: folder.path + "/" + name)
                }
            }
            #expect(try text(path) == "old" && names(folder) == ["file", "folder", "pipe"])
        }
    }

    @Test("a write that fails leaves the old file and nothing else")
    func failedWrite() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/file"
            try write("old", to: path)
            // Files can have no further bytes.
            var (limit, before) = (rlimit(), rlimit())
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
            signal(SIGXFSZ, SIG_IGN)
            limit = rlimit(rlim_cur: 100_000, rlim_max: before.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before) }
            #expect(throws: TrainingError.cannotWrite(path: path, reason: "File too large")) {
                try AtomicFile.write([UInt8](repeating: 0, count: 200_000), to: path)
            }
            #expect(try text(path) == "old" && names(folder) == ["file"])
        }
    }

    @Test("a process that ends while it writes leaves no temporary file, and after that nothing is removed")
    func endOfProcess() throws {
        try withTemporaryFolder { folder in
            let held = try OpenFolder(folder.path)
            for name in ["temporary", "final"] { try write("new", to: folder.path + "/" + name) }
            cs_begin_temporary_file(held.descriptor, "temporary")
            cs_remove_temporary_file()
            #expect(held.names == ["final"])
            cs_begin_temporary_file(held.descriptor, "final")
            cs_end_temporary_file()
            cs_remove_temporary_file()
            #expect(held.names == ["final"])
        }
    }

    @Test("files of a user that are called like a temporary one stay, also links")
    func foreseenNames() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/m.cgw"
            try write("mine", to: path + ".partial")
            try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "victim")
            try write("victim", to: folder.path + "/victim")
            let run = try OpenFolder(folder.path)
            try run.write(Array("new".utf8), to: "link")
            try write("new", to: path)
            #expect(try text(path + ".partial") == "mine" && text(folder.path + "/victim") == "victim")
            #expect(try text(folder.path + "/link") == "new")
        }
    }

    @Test("many writers of one file leave one of their files, whole")
    func together() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/m.cgw"
            DispatchQueue.concurrentPerform(iterations: 32) { number in
                try? AtomicFile.write([UInt8](repeating: UInt8(number), count: 100_000), to: path)
            }
            let contents = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(contents.count == 100_000 && Set(contents).count == 1)
            #expect(try names(folder) == ["m.cgw"])
        }
    }

    @Test(
        "the old file's rights stay, and a new file has those that the umask leaves", arguments: [0o600, 0o444, 0o664])
    func rights(mode: mode_t) throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/file"
            try write("old", to: path)
            let mask = umask(0)
            umask(mask)
            #expect(rights(path) == 0o666 & ~mask)
            chmod(path, mode)
            try write("new", to: path)
            #expect(try rights(path) == mode && text(path) == "new")
        }
    }

    @Test("a link stays and what it leads to is written, also a file that does not exist")
    func links() throws {
        try withTemporaryFolder { folder in
            let other = folder.path + "/other"
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
            for (link, destination) in [("a", "b"), ("b", "other/m"), ("c", other + "/n"), ("d", "d")] {
                try FileManager.default.createSymbolicLink(
                    atPath: folder.path + "/" + link, withDestinationPath: destination)
            }
            for content in ["first", "second"] {
                try write(content, to: folder.path + "/a")
                try write(content, to: folder.path + "/c")
                #expect(try text(other + "/m") == content && text(other + "/n") == content)
            }
            #expect(throws: TrainingError.self) { try write("new", to: folder.path + "/d") }
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/a") == "b")
            #expect(try FileManager.default.contentsOfDirectory(atPath: other).sorted() == ["m", "n"])
        }
    }

    @Test("a link of another user's in a folder of everybody's is refused", .enabled(if: geteuid() == 0))
    func foreignLink() throws {
        try withTemporaryFolder { folder in
            chmod(folder.path, 0o1777)
            let link = folder.path + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "elsewhere")
            lchown(link, 12345, 12345)
            #expect(throws: TrainingError.cannotWrite(path: link, reason: "Permission denied")) {
                try write("new", to: link)
            }
        }
    }

    @Test("hard links keep the old contents")
    func hardLink() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/file"
            try write("old", to: path)
            #expect(link(path, path + "2") == 0)
            try write("new", to: path)
            #expect(try text(path) == "new" && text(path + "2") == "old")
        }
    }

    @Test("a path that names no file is refused", arguments: ["", "/", ".", "..", "m/", "./", "a/..", "m/.", "//"])
    func noName(path: String) throws {
        #expect(throws: TrainingError.self) { try write("new", to: path) }
        #expect(!FileManager.default.fileExists(atPath: "m"))
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
                try write("new", to: folder.path + "/" + name)
                #expect(try names(folder) == [name])
                try FileManager.default.removeItem(atPath: folder.path + "/" + name)
            }
        }
    }

    @Test("a folder that is held stays the same one when another takes its name")
    func renamedFolder() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/run"
            func make() throws {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            try make()
            let held = try OpenFolder(path)
            #expect(held.isAtItsPath)
            #expect(rename(path, folder.path + "/renamed") == 0)
            try make()
            #expect(!held.isAtItsPath)
            try held.write(Array("held".utf8), to: "file")
            #expect(try text(folder.path + "/renamed/file") == "held" && held.names == ["file"])
            #expect(!FileManager.default.fileExists(atPath: path + "/file"))
        }
    }

    @Test("bytes are written whole to a pipe that blocks nobody, and a closed one is an error")
    func pipes() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let (reader, writer) = (ends[0], ends[1])
        let written = [UInt8](repeating: 7, count: 1 << 20)
        Thread.detachNewThread {
            written.withUnsafeBytes { bytes in try? writeFully(bytes, to: writer) }
            close(writer)
        }
        let read = FileHandle(fileDescriptor: reader, closeOnDealloc: true).readDataToEndOfFile()
        #expect(Array(read) == written)
        #expect(throws: SystemError(EBADF)) { try [1].withUnsafeBytes { bytes in try writeFully(bytes, to: -1) } }
    }
}
