using System.Globalization;
using System.Text;
using QRCoder;

namespace BatchViz.Components.Share;

/// <summary>A QR code as one SVG path in units of its modules, the quiet zone included.</summary>
public sealed record QrPath(int Size, string Path)
{
    public static QrPath Of(string text)
    {
        using var code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        var path = new StringBuilder();
        for (int y = 0; y < code.ModuleMatrix.Count; y++)
        for (int x = 0; x < code.ModuleMatrix[y].Length; x++)
            if (code.ModuleMatrix[y][x])
                path.Append(CultureInfo.InvariantCulture, $"M{x} {y}h1v1h-1z");
        return new QrPath(code.ModuleMatrix.Count, path.ToString());
    }
}
