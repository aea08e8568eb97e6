using System.Buffers.Binary;
using System.Text;
using BatchViz.Engine.Torch;

namespace BatchViz.Conformance.Tests.Torch;

/// <summary>On TorchSharp's library for Linux, whatever this system is: one bit changes, or nothing at all.</summary>
public sealed class WeakVersionNeedTests
{
    private static readonly byte[] Library = File.ReadAllBytes(
        Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so")
    );

    [Fact]
    public void One_bit_is_set_the_one_that_says_that_the_version_may_be_missing()
    {
        byte[] marked = [.. Library];
        Assert.Null(WeakVersionNeed.Mark(marked));
        int place = Assert.Single(Enumerable.Range(0, Library.Length), i => Library[i] != marked[i]);
        Assert.Equal((0, 2), (Library[place], marked[place]));
        // The entry that it is in: flags, index, and the version's name.
        int names = Offset(Section(0x6ffffffe).Link),
            name = names + Word(place + 4);
        Assert.Equal(WeakVersionNeed.Version, Encoding.ASCII.GetString(Library, name, WeakVersionNeed.Version.Length));

        byte[] again = [.. marked];
        Assert.Null(WeakVersionNeed.Mark(again));
        Assert.Equal(marked, again);
    }

    [Fact]
    public void A_library_in_which_another_symbol_needs_the_version_is_left_alone()
    {
        var (versions, index, symbol) = Needed();
        Refused(
            library => BinaryPrimitives.WriteUInt16LittleEndian(library.AsSpan(versions + 2 * (symbol + 1)), index),
            @"^\S+ needs GLIBCXX_3\.4\.32, too$"
        );
    }

    [Fact]
    public void A_library_that_uses_the_symbol_is_left_alone()
    {
        int relocation = Section(4).Offset;
        Refused(
            library => BinaryPrimitives.WriteInt32LittleEndian(library.AsSpan(relocation + 12), Needed().Symbol),
            "^it uses _ZSt21ios_base_library_initv$"
        );
    }

    [Fact]
    public void A_library_without_the_need_and_what_is_no_library_are_left_alone()
    {
        // Its name under another name: no such version is needed any more.
        int at = Library.AsSpan().IndexOf("GLIBCXX_3.4.32\0"u8);
        Refused(library => library[at + 13] = (byte)'1', @"^it does not need GLIBCXX_3\.4\.32$");
        Refused(library => library[0] = 0, "^it is no 64-bit ELF library$");
        Assert.Equal("it is cut off, or no library of this kind of system", WeakVersionNeed.Mark(Library[..4096]));
        Assert.Equal("it is no 64-bit ELF library", WeakVersionNeed.Mark([]));
    }

    private static void Refused(Action<byte[]> change, string why)
    {
        byte[] changed = [.. Library];
        change(changed);
        byte[] given = [.. changed];
        Assert.Matches(why, WeakVersionNeed.Mark(given));
        Assert.Equal(changed, given);
    }

    /// <summary>Where symbols' versions lie, the index of the one in question, and the symbol that has it.</summary>
    private static (int Versions, ushort Index, int Symbol) Needed()
    {
        int versions = Section(0x6fffffff).Offset,
            symbols = Section(11).Offset,
            names = Offset(Section(11).Link);
        for (int symbol = 0; ; symbol++)
        {
            int name = names + Word(symbols + 24 * symbol);
            if (Encoding.ASCII.GetString(Library, name, WeakVersionNeed.Symbol.Length) == WeakVersionNeed.Symbol)
                return (versions, BinaryPrimitives.ReadUInt16LittleEndian(Library.AsSpan(versions + 2 * symbol)), symbol);
        }
    }

    private static (int Offset, int Link) Section(uint type)
    {
        int count = BinaryPrimitives.ReadUInt16LittleEndian(Library.AsSpan(0x3c));
        int section = Enumerable.Range(0, count).First(i => (uint)Word(Header(i) + 4) == type);
        return (Offset(section), Word(Header(section) + 40));
    }

    private static int Offset(int section) => Word(Header(section) + 24);

    private static int Header(int section) => Word(0x28) + 64 * section;

    private static int Word(int at) => BinaryPrimitives.ReadInt32LittleEndian(Library.AsSpan(at));
}
