/**
 * The slice as a height field: lightness only, so that paths are the loud thing, with thin contour lines drawn where the
 * height crosses them. Points that are not finite are holes; what the scale cuts off is hatched.
 */
import { BufferAttribute, BufferGeometry, Color, Mesh, ShaderMaterial, Vector3 } from "three";
import type { Theme } from "../style.ts";
import { SURFACE } from "../style.ts";
import { sample } from "./heights.ts";

/** The scene's box: x and depth of the plane, height of the loss. */
export const BOX = { width: 2.4, depth: 1.9, height: 0.85 } as const;

const VERTEX = /* glsl */ `
  attribute float hole;
  varying float vHeight;
  varying float vHole;
  varying vec3 vNormal;
  varying vec2 vPlane;
  void main() {
    vHeight = position.y / ${BOX.height};
    vHole = hole;
    vNormal = normal;
    vPlane = position.xz;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }`;

const FRAGMENT = /* glsl */ `
  uniform vec3 low;
  uniform vec3 high;
  uniform vec3 ink;
  uniform float offset;
  uniform float frequency;
  uniform vec3 light;
  varying float vHeight;
  varying float vHole;
  varying vec3 vNormal;
  varying vec2 vPlane;
  void main() {
    if (vHole > 0.001) discard;
    vec3 n = normalize(gl_FrontFacing ? vNormal : -vNormal);
    float shade = 0.86 + 0.16 * dot(n, light);
    vec3 tone = mix(low, high, vHeight) * shade;
    float level = offset + frequency * vHeight;
    float width = max(fwidth(level), 1e-5);
    float line = 1.0 - smoothstep(0.3, 1.0, abs(fract(level + 0.5) - 0.5) / width);
    line *= 1.0 - smoothstep(0.25, 0.6, width);
    float cut = step(0.9995, vHeight);
    float hatch = cut * step(0.5, fract((vPlane.x + vPlane.y) * 24.0));
    tone = mix(tone, ink, max(line * (1.0 - cut) * 0.42, hatch * 0.25));
    gl_FragColor = vec4(tone, 1.0);
    #include <colorspace_fragment>
  }`;

const INK: Readonly<Record<Theme, string>> = { dark: "#8fa0b5", light: "#66778a" };

export class Surface {
  readonly mesh: Mesh;
  /** Heights 0…1 as they are drawn now, row by row; NaN in holes. */
  heights = new Float32Array(0);
  n = 0;
  private from = new Float32Array(0);
  private target = new Float32Array(0);
  private readonly material = new ShaderMaterial({
    vertexShader: VERTEX, fragmentShader: FRAGMENT, side: 2,
    polygonOffset: true, polygonOffsetFactor: 2, polygonOffsetUnits: 2,
    uniforms: {
      low: { value: new Color() }, high: { value: new Color() }, ink: { value: new Color() },
      offset: { value: 0 }, frequency: { value: 1 }, light: { value: new Vector3(-0.45, 0.8, 0.35).normalize() },
    },
  });

  constructor() {
    this.mesh = new Mesh(new BufferGeometry(), this.material);
    this.mesh.frustumCulled = false;
    this.mesh.visible = false;
  }

  setTheme(theme: Theme): void {
    const uniforms = this.material.uniforms;
    uniforms["low"]!.value.set(SURFACE[theme][theme === "dark" ? 0 : 1]);
    uniforms["high"]!.value.set(SURFACE[theme][theme === "dark" ? 1 : 0]);
    uniforms["ink"]!.value.set(INK[theme]);
  }

  setContours(offset: number, frequency: number): void {
    this.material.uniforms["offset"]!.value = offset;
    this.material.uniforms["frequency"]!.value = frequency;
  }

  /** New heights, n × n. What is drawn now is kept as the beginning of the morph. */
  setTarget(target: Float32Array<ArrayBuffer>, n: number): void {
    const from = new Float32Array(n * n);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const old = this.n > 0 ? sample(this.heights, this.n, i / (n - 1), j / (n - 1)) : NaN;
        const goal = target[j * n + i]!;
        from[j * n + i] = Number.isNaN(old) ? goal : old;
      }
    }
    if (n !== this.n) this.build(n);
    this.from = from;
    this.target = target;
    this.mesh.visible = true;
  }

  /** Draws the morph at `t` from 0 to 1. */
  morph(t: number): void {
    const { n, from, target, heights } = this;
    if (n === 0) return;
    const position = this.mesh.geometry.getAttribute("position") as BufferAttribute;
    const hole = this.mesh.geometry.getAttribute("hole") as BufferAttribute;
    for (let k = 0; k < n * n; k++) {
      const goal = target[k]!;
      heights[k] = from[k]! + (goal - from[k]!) * t;
      const missing = Number.isNaN(goal);
      position.array[3 * k + 1] = missing ? BOX.height : heights[k]! * BOX.height;
      hole.array[k] = missing ? 1 : 0;
    }
    this.shade();
    position.needsUpdate = hole.needsUpdate = true;
  }

  /** Normals by central differences. */
  private shade(): void {
    const { n } = this;
    const p = (this.mesh.geometry.getAttribute("position") as BufferAttribute).array;
    const normal = this.mesh.geometry.getAttribute("normal") as BufferAttribute;
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const w = Math.max(0, i - 1), e = Math.min(n - 1, i + 1), s = Math.max(0, j - 1), u = Math.min(n - 1, j + 1);
        const dx = (p[3 * (j * n + e) + 1]! - p[3 * (j * n + w) + 1]!) / (((e - w) * BOX.width) / (n - 1));
        const dz = -(p[3 * (u * n + i) + 1]! - p[3 * (s * n + i) + 1]!) / (((u - s) * BOX.depth) / (n - 1));
        const length = Math.hypot(dx, 1, dz);
        const k = 3 * (j * n + i);
        normal.array[k] = -dx / length;
        normal.array[k + 1] = 1 / length;
        normal.array[k + 2] = -dz / length;
      }
    }
    normal.needsUpdate = true;
  }

  private build(n: number): void {
    this.mesh.geometry.dispose();
    const geometry = new BufferGeometry();
    const position = new Float32Array(3 * n * n);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        position[3 * (j * n + i)] = (i / (n - 1) - 0.5) * BOX.width;
        position[3 * (j * n + i) + 2] = (0.5 - j / (n - 1)) * BOX.depth;
      }
    }
    const index = new Uint32Array(6 * (n - 1) * (n - 1));
    let k = 0;
    for (let j = 0; j + 1 < n; j++) {
      for (let i = 0; i + 1 < n; i++) {
        const a = j * n + i, b = a + 1, c = a + n, d = c + 1;
        index.set([a, b, d, a, d, c], k);
        k += 6;
      }
    }
    geometry.setAttribute("position", new BufferAttribute(position, 3));
    geometry.setAttribute("normal", new BufferAttribute(new Float32Array(3 * n * n), 3));
    geometry.setAttribute("hole", new BufferAttribute(new Float32Array(n * n), 1));
    geometry.setIndex(new BufferAttribute(index, 1));
    this.mesh.geometry = geometry;
    this.heights = new Float32Array(n * n);
    this.n = n;
  }
}
