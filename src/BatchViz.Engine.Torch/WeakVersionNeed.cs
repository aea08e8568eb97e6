using System.Buffers.Binary;
using System.Text;

namespace BatchViz.Engine.Torch;

/// <summary>
/// A native library of Linux that asks for a newer libstdc++ than it uses. GCC 13 and later compile into every file that includes
/// &lt;iostream&gt; a reference to <c>std::ios_base_library_initv()</c>, of version GLIBCXX_3.4.32, whose only purpose is that libraries
/// of before do not load it by mistake: nothing calls it, no relocation points to it. TorchSharp's library has no other need of that
/// version, and yet the loader refuses it on Debian 12 and Ubuntu 22.04. ELF knows needs that may go unmet: they are marked as weak. This
/// class marks that one in a copy.
/// </summary>
/// <remarks>
/// What is read is the ELF format's own (System V ABI; Linux Standard Base, "Symbol Versioning"): 64 bits, little-endian. A library in
/// which anything else needs the version is left alone, since it would fail later and worse.
/// </remarks>
internal static class WeakVersionNeed
{
    /// <summary>The reference that may go unmet, and its version.</summary>
    public const string Symbol = "_ZSt21ios_base_library_initv",
        Version = "GLIBCXX_3.4.32";

    private const uint DynamicSymbols = 11,
        VersionNeeds = 0x6ffffffe,
        SymbolVersions = 0x6fffffff,
        RelocationsWithAddends = 4,
        Relocations = 9;

    /// <summary>The bit of a needed version's flags that says: may go unmet.</summary>
    private const ushort Weak = 2;

    private readonly record struct Section(uint Type, int Offset, int Size, int Link, int EntrySize);

    /// <summary>Marks the need of <see cref="Version"/> as weak.</summary>
    /// <returns>Null where that is done; else why it is not, in half a sentence, and nothing has changed.</returns>
    public static string? Mark(byte[] library)
    {
        try
        {
            return MarkIn(library);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return "it is cut off, or no library of this kind of system";
        }
    }

    private static string? MarkIn(byte[] library)
    {
        // 64-bit, little-endian.
        if (!library.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
            return "it is no 64-bit ELF library";
        var sections = Sections(library);
        if (
            Find(sections, VersionNeeds) is not { } needs
            || Find(sections, SymbolVersions) is not { } versions
            || Find(sections, DynamicSymbols) is not { } symbols
        )
            return "it has no symbol versions";
        if (NeedOf(library, needs, sections[needs.Link]) is not var (flags, index))
            return $"it does not need {Version}";
        var unmet = new HashSet<int>();
        for (int symbol = 0; symbol < symbols.Size / 24; symbol++)
        {
            // The top bit says that a version is hidden.
            if ((Half(library, versions.Offset + 2 * symbol) & 0x7fff) != index)
                continue;
            string name = Text(library, sections[symbols.Link].Offset + Word(library, symbols.Offset + 24 * symbol));
            if (name != Symbol)
                return $"{name} needs {Version}, too";
            unmet.Add(symbol);
        }
        foreach (var section in sections.Where(section => section.Type is RelocationsWithAddends or Relocations))
            for (int at = section.Offset; at < section.Offset + section.Size; at += section.EntrySize)
                if (unmet.Contains(Word(library, at + 12)))
                    return $"it uses {Symbol}";
        BinaryPrimitives.WriteUInt16LittleEndian(library.AsSpan(flags), (ushort)(Half(library, flags) | Weak));
        return null;
    }

    /// <summary>Where the flags of the needed version lie, and the index by which symbols name it; null: it is not needed.</summary>
    private static (int Flags, int Index)? NeedOf(byte[] library, Section needs, Section names)
    {
        // Files that versions are needed of, each with a list of versions; distances to the next are in bytes, 0 at the end.
        for (int file = needs.Offset, next; ; file += next)
        {
            for (int version = file + Word(library, file + 8), step; ; version += step)
            {
                if (Text(library, names.Offset + Word(library, version + 8)) == Version)
                    return (version + 4, Half(library, version + 6));
                step = Word(library, version + 12);
                if (step <= 0)
                    break;
            }
            next = Word(library, file + 12);
            if (next <= 0)
                return null;
        }
    }

    private static Section[] Sections(byte[] library)
    {
        int table = Long(library, 0x28),
            size = Half(library, 0x3a),
            count = Half(library, 0x3c);
        var sections = new Section[count];
        for (int i = 0; i < count; i++)
        {
            int at = table + i * size;
            sections[i] = new Section(
                (uint)Word(library, at + 4),
                Long(library, at + 24),
                Long(library, at + 32),
                Word(library, at + 40),
                Math.Max(1, Long(library, at + 56))
            );
        }
        return sections;
    }

    private static Section? Find(Section[] sections, uint type)
    {
        foreach (var section in sections)
            if (section.Type == type)
                return section;
        return null;
    }

    private static ushort Half(byte[] library, int at) => BinaryPrimitives.ReadUInt16LittleEndian(library.AsSpan(at));

    private static int Word(byte[] library, int at) => BinaryPrimitives.ReadInt32LittleEndian(library.AsSpan(at));

    private static int Long(byte[] library, int at) =>
        BinaryPrimitives.ReadInt64LittleEndian(library.AsSpan(at)) is >= 0 and <= int.MaxValue and var value
            ? (int)value
            : throw new ArgumentOutOfRangeException(nameof(at));

    private static string Text(byte[] library, int at)
    {
        var rest = library.AsSpan(at);
        int end = rest.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? rest : rest[..end]);
    }
}
