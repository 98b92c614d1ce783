import Foundation
import Synchronization

/// Symbols of two bytes each in a file that is mapped into memory.
final class MappedSymbols: Sendable {
    /// The most bytes that stay mapped in, about: pages beyond are left to the system's cache.
    private static let residentLimit = 256 << 20
    /// The bytes that the system maps in for an access, at most.
    private static let accessSize = 64 << 10

    /// Only read, by any thread.
    nonisolated(unsafe) let symbols: UnsafeBufferPointer<UInt16>
    private let resident = Atomic<Int>(0)

    /// - Throws: ``CorpusError/unreadable(file:reason:)``, also if the file has another size.
    init(_ name: String, in folder: OpenFolder, count: Int) throws(CorpusError) {
        let path = folder.path(of: name)
        let descriptor = try InputFile.open(path) { () throws(SystemError) in
            try uninterrupted { openat(folder.descriptor, FileName.cString(name), O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG, count > 0,
            Int(information.st_size).quotientAndRemainder(dividingBy: MemoryLayout<UInt16>.size) == (count, 0)
        else { throw .unreadable(file: path, reason: "it has not the size of the text") }
        let block = mmap(nil, Int(information.st_size), PROT_READ, MAP_SHARED, descriptor, 0)
        guard let block, block != MAP_FAILED else { throw InputFile.failure(path) }
        symbols = UnsafeBufferPointer(start: block.bindMemory(to: UInt16.self, capacity: count), count: count)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: symbols.baseAddress), symbols.count * MemoryLayout<UInt16>.size)
    }

    /// Counts an access to `count` symbols, and releases pages that are mapped in if they may be
    /// more than the limit. They stay in the system's cache as long as it has memory.
    func noteAccess(_ count: Int) {
        let size = MappedSymbols.accessSize + count * MemoryLayout<UInt16>.size
        let sum = resident.add(size, ordering: .relaxed).newValue
        guard sum > MappedSymbols.residentLimit else { return }
        resident.store(0, ordering: .relaxed)
        madvise(
            UnsafeMutableRawPointer(mutating: symbols.baseAddress), symbols.count * MemoryLayout<UInt16>.size,
            MADV_DONTNEED)
    }
}
